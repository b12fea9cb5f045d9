# Keeps a container for the next command: ends it when nothing ran in it for $1 rounds of $2 seconds.
# /run/wharf has a file with the process id of each command; /opt/wharf/warm is a folder of the host, where `used` changes
# before each command. Whoever finds `ending` there must not count on this container.
trap 'exit 0' TERM INT HUP
cd /opt/wharf/warm || exit 1
seen= idle=0
while :; do
  busy=
  for file in /run/wharf/*; do
    read -r pid 2>/dev/null <"$file" || continue
    if [ -d "/proc/$pid" ]; then busy=1; else rm -f "$file"; fi
  done
  read -r used 2>/dev/null <used || used=
  if [ "$busy" ] || [ "$used" != "$seen" ]; then
    seen=$used idle=0
  elif [ -e retire ] || [ "$idle" -ge "$1" ]; then
    : >ending
    read -r used 2>/dev/null <used || used=
    [ "$used" = "$seen" ] && exit 0
    rm -f ending
    seen=$used idle=0
  fi
  idle=$((idle + 1))
  sleep "$2" &
  wait $!
done
