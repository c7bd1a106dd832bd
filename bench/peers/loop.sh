#!/bin/bash
# The monitoring script of the handbook: asks each server for its page, takes it out of the table when so many tries have
# failed and puts it back when one succeeds; the director's own web server stands in while none is left.
#
#   loop.sh SETTINGS           a file that sets vip, interval, timeout, tries, pause and servers
source "$1"
fallback=127.0.0.1:80
declare -A isIn
left=0

is_alive() {
  local try
  for ((try = 1; try <= tries; try++)); do
    curl --silent --fail --max-time "$timeout" --output /dev/null "http://$1/" && return 0
    ((try < tries)) && sleep "$pause"
  done
  return 1
}

tell() {
  echo "$(date '+%F %T'), ${1%:*} is $2."
}

put_in() {
  ipvsadm -a -t "$vip" -r "$1" -m
  isIn[$1]=yes
  tell "$1" back
  ((left++ > 0)) || ipvsadm -d -t "$vip" -r "$fallback"
}

take_out() {
  ((--left > 0)) || ipvsadm -a -t "$vip" -r "$fallback" -m
  ipvsadm -d -t "$vip" -r "$1"
  unset "isIn[$1]"
  tell "$1" gone
}

ipvsadm -A -t "$vip" -s wlc
ipvsadm -a -t "$vip" -r "$fallback" -m
while :; do
  for server in "${servers[@]}"; do
    if is_alive "$server"; then
      [ "${isIn[$server]}" ] || put_in "$server"
    else
      [ ! "${isIn[$server]}" ] || take_out "$server"
    fi
  done
  sleep "$interval"
done
