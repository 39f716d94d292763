#!/usr/bin/env bash
# Model-checks the reversal protocol: every variant of variants.tsv must hold, break, livelock, or end (every run ends: no
# cycle at all) as it says.
#
#   check.sh [light|heavy|ID...]   checks (light is the default), one line for each variant
#   check.sh trail ID...           prints the shortest counterexample of a variant that breaks or livelocks
#   check.sh trails [ID...]        writes them, or all, to trails/ID.txt
#
# Needs spin and gcc (Debian packages of those names). JOBS variants run at a time (2). The seconds are of the processor,
# without those of spin and gcc.
# Exit: 0 as expected, 1 a difference, 2 a tool is absent or the model does not build.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
missing=()
for tool in spin gcc; do command -v $tool >/dev/null || missing+=($tool); done
if ((${#missing[@]})); then echo "not found: ${missing[*]} (Debian: apt-get install ${missing[*]})" >&2; exit 2; fi

# build DIR FLAGS CFLAGS: makes DIR/pan; small models are compiled faster than they would be optimised
build() {
  # shellcheck disable=SC2086
  cd "$1" && spin -a $2 "$here/reversal.pml" >spin.log 2>&1 && gcc -w -DMEMLIM=9500 $3 -o pan pan.c 2>gcc.log
}

# check_one DIR ID EXPECT WEIGHT FLAGS DESIGN: one line, and DIR/ok or DIR/differs
check_one() {
  local dir=$1 id=$2 expect=$3 weight=$4 flags=$5 design=$6 mode=-DSAFETY search='' good=holds bad=breaks optimise=-O0
  [[ $flags == - ]] && flags=
  local size='-m20000 -w20'
  [[ $expect == livelocks || $expect == ends ]] && mode=-DNP search=-l good=ends bad=livelocks
  [[ $weight == heavy ]] && optimise='-O2 -DCOLLAPSE' size=-m2000000
  if ! build "$dir" "$flags" "$mode $optimise"; then
    echo "$id: the model does not build: $(cat "$dir"/*.log 2>/dev/null | head -3)"; touch "$dir/unbuilt"; return
  fi
  local out errors states depth got=$good seconds TIMEFORMAT=%U
  # shellcheck disable=SC2086
  { time timeout "${LIMIT:-1800}" ./pan $size -n $search >pan.log 2>&1; } 2>seconds
  out=$(<pan.log) seconds=$(<seconds)
  errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' <<<"$out")
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' <<<"$out")
  depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' <<<"$out")
  [[ ${errors:-x} == 0 ]] || got=$bad
  [[ -z $errors ]] && got=unknown
  grep -q 'max search depth too small\|out of memory' <<<"$out" && got=incomplete
  printf '%-5s %-9s %10s states  depth %4s %7s s  %s\n' "$id" "$got" "${states:-?}" "${depth:-?}" "$seconds" "$design"
  if [[ $got == "$expect" ]]; then touch "$dir/ok"; else touch "$dir/differs"; echo "$id: expected $expect, got $got"; fi
  rm -f "$dir"/pan*
}

# trail_one DIR ID EXPECT WEIGHT FLAGS DESIGN: the visible steps of the shortest counterexample
trail_one() {
  local dir=$1 id=$2 expect=$3 flags=$5 design=$6 line
  [[ $flags == - ]] && flags=
  echo "$id: $design"
  echo
  if [[ $expect == livelocks ]]; then # breadth first finds no cycles: the smallest depth that holds one
    build "$dir" "$flags" "-DNP -DREACH" || return 1
    local depth=20
    while ((depth < 400)) && [[ ! -s reversal.pml.trail ]]; do
      ./pan -m$depth -w18 -n -l >pan.log 2>&1; depth=$((depth + 2))
    done
  else
    build "$dir" "$flags" "-DSAFETY -DBFS" && ./pan -w22 -n >pan.log 2>&1
  fi
  [[ -s reversal.pml.trail ]] || { echo "no counterexample"; return 1; }
  # shellcheck disable=SC2086
  spin -k reversal.pml.trail -T -B $flags "$here/reversal.pml" >steps.log 2>&1
  sed 's/.*START OF CYCLE.*/--- and from here for ever ---/' steps.log | grep -v '^spin: \|^pan: \|^ *$\|^text of failed\|^[0-9]* process'
  line=$(sed -n 's/^spin: .*\/\([a-z]*\.pml\):\([0-9]*\), Error: assertion violated.*/\1 \2/p' steps.log | head -1)
  echo
  if [[ -n $line ]]; then
    # shellcheck disable=SC2086
    set -- $line
    echo "broken: $(sed -n "$2s/.*\/\* \(.*\) \*\/.*/\1/p" "$here/$1")"
  elif [[ $expect != livelocks ]]; then
    echo "broken: I3 it never comes to rest"
  fi
}

# rows WANT...: the lines of variants.tsv with one of these ids or weights
rows() {
  local want=" $* " row id weight
  while IFS= read -r row; do
    [[ $row == \#* || -z $row ]] && continue
    IFS=$'\t' read -r id _ weight _ <<<"$row"
    [[ $want == *" $id "* || $want == *" $weight "* || $want == *" all "* ]] && printf '%s\n' "$row"
  done <"$here/variants.tsv"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jobs=${JOBS:-2}
mode=check
case ${1:-} in trail) mode=trail; shift ;; trails) mode=trails; shift; set -- "${@:-all}" ;; esac
begin=$SECONDS
while IFS=$'\t' read -r id expect weight flags design; do
  dir=$work/$id; mkdir -p "$dir"
  case $mode in
  check)
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    (check_one "$dir" "$id" "$expect" "$weight" "$flags" "$design") & ;;
  trail)
    [[ $expect == holds || $expect == ends ]] && { echo "$id $expect: it has no counterexample"; continue; }
    (trail_one "$dir" "$id" "$expect" "$weight" "$flags" "$design") || touch "$dir/differs" ;;
  trails)
    [[ $expect == holds || $expect == ends ]] && continue
    mkdir -p "$here/trails"
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    (trail_one "$dir" "$id" "$expect" "$weight" "$flags" "$design" >"$here/trails/$id.txt" || { echo "$id: no counterexample"; touch "$dir/differs"; }) & ;;
  esac
  touch "$dir/ran"
done < <(rows "${@:-light}")
wait
count() { find "$work" -name "$1" | wc -l; }
(($(count ran))) || { echo "no such variant: $*" >&2; exit 2; }
times >"$work/times"
busy=$(awk '{ for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); sum += t[1] * 60 + t[2] } } END { printf "%.0f", sum }' "$work/times")
[[ $mode == check ]] && echo "$(count ok) as expected, $(count differs) not, $(count unbuilt) not built, $((SECONDS - begin)) s, $busy s of the processor"
(($(count unbuilt) == 0)) || exit 2
(($(count differs) == 0))
