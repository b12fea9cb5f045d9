# Serves the engine of the host to programs here, as `wharf bash` does from the host; $1 says how. Then runs the command behind it.
PATH="$PATH:/opt/wharf/bin"
export PATH
lent=$1 socket=${DOCKER_HOST#unix://} tries=0
shift
# Where Wharf cannot run in this image, the engine's own socket has to do.
{ wharf ide engine "$lent" || ln -s /var/run/docker.sock "$socket"; } </dev/null &
until [ -S "$socket" ] || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
exec "$@"
