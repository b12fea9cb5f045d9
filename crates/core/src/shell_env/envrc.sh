# Sets up the shell for this workspace, for those who use direnv (https://direnv.net). Written by `wharf setenv --envrc`.
# Without it: `eval "$(wharf setenv)"`.
watch_file wharf.toml .gitmodules
wharf_setenv=$(wharf setenv --shell bash --no-completions) && eval "$wharf_setenv"
unset wharf_setenv
