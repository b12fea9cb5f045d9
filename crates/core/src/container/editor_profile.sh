# What the first command of this container exported.
wharf_tries=0
until [ -r /tmp/.wharf-environment ] || [ "$wharf_tries" -ge 80 ]; do
  wharf_tries=$((wharf_tries + 1))
  sleep 0.1
done
unset wharf_tries
if [ -r /tmp/.wharf-environment ]; then . /tmp/.wharf-environment; fi
