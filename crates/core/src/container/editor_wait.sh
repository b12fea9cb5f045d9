# Writes down which variables this was started with, for login shells, and waits until the container is stopped.
(unset PWD OLDPWD SHLVL _ HOME TERM HOSTNAME; export -p) >/tmp/.wharf-environment.$$
mv -f /tmp/.wharf-environment.$$ /tmp/.wharf-environment
trap 'exit 0' TERM INT HUP
while :; do
  sleep 3600 &
  wait $!
done
