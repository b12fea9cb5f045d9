complete --keep-order --exclusive --command wharf --arguments "(COMPLETE=fish wharf -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
