# Starts an engine in this container, waits for it, then runs the command that follows $1 as user $1 (uid:gid).
PATH="$PATH:/usr/sbin:/sbin:/opt/wharf/bin"
export PATH
as=$1 log=/tmp/wharf-engine.log
shift
fail() {
  echo "error: the engine of this container did not start: $1" >&2
  [ -s "$log" ] && { echo "its log:"; tail -n 20 "$log"; } >&2
  echo "hint: $2" >&2
  exit 4
}
command -v dockerd >/dev/null ||
  fail 'the image has no `dockerd`' 'add `docker.io` to `[os] packages`, or use `[run] docker = "sibling"`'
while read -r name value; do [ "$name" = CapEff: ] && caps=$((0x$value)); done </proc/self/status
for cap in 21:SYS_ADMIN 12:NET_ADMIN; do
  [ $((caps >> ${cap%%:*} & 1)) = 1 ] ||
    fail "it lacks the capability ${cap#*:}" 'see what the engine of the host allows; `[run] child-privileged = true` asks for all'
done
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  # Controllers can be handed down only from a group that has no process of its own.
  mount -o remount,bind,rw /sys/fs/cgroup 2>/dev/null
  if mkdir -p /sys/fs/cgroup/wharf 2>/dev/null; then
    while read -r pid; do echo "$pid" >/sys/fs/cgroup/wharf/cgroup.procs; done 2>/dev/null </sys/fs/cgroup/cgroup.procs
    for name in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control; done 2>/dev/null
  fi
else
  for group in /sys/fs/cgroup/*; do [ -d "$group" ] && mount -o remount,bind,rw "$group" 2>/dev/null; done
fi
umask 022
dockerd --host unix:///var/run/docker.sock >"$log" 2>&1 </dev/null &
engine=$! tries=0
until [ -S /var/run/docker.sock ] && { ! command -v docker >/dev/null || docker version >/dev/null 2>&1; }; do
  kill -0 "$engine" 2>/dev/null || fail 'it ended' '`[run] child-privileged = true` gives it all that it may ask for'
  [ "$tries" -lt 1200 ] || fail 'it was not ready within two minutes' '`[run] child-privileged = true` gives it all that it may ask for'
  tries=$((tries + 1))
  sleep 0.1
done
chmod 666 /var/run/docker.sock
uid=${as%%:*} gid=${as#*:}
[ "$gid" != "$as" ] || gid=$(id -g "$uid" 2>/dev/null) || gid=$uid
[ "$uid" != 0 ] && [ "$uid" != root ] || exec "$@"
[ "$HOME" != /root ] || HOME=/
if command -v setpriv >/dev/null && setpriv --reuid "$uid" --regid "$gid" --clear-groups true 2>/dev/null; then
  exec setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"
elif chroot --userspec="$uid:$gid" / true 2>/dev/null; then
  exec chroot --userspec="$uid:$gid" / /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$PWD" "$@"
elif command -v su-exec >/dev/null; then
  exec su-exec "$uid:$gid" "$@"
fi
fail 'nothing in the image can become another user' 'add a package with `setpriv` (util-linux) to `[os] packages`'
