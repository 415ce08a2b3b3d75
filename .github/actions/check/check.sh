#!/usr/bin/env bash
# Checks the pages that match INPUT_PAGES and differ from INPUT_BASE, and tells GitHub the outputs.
set -uo pipefail
results="$RUNNER_TEMP/evalharness-check.json"
mapfile -t patterns < <(printf '%s\n' "$INPUT_PAGES" | sed '/^[[:space:]]*$/d')
globs=("${patterns[@]/#/:(glob)}")
if [ ${#patterns[@]} -eq 0 ]; then echo "::error::pages: no pattern" >&2; exit 2; fi

listed="$RUNNER_TEMP/evalharness-pages"
if [ -n "${INPUT_BASE:-}" ]; then
  # A page that is gone is not checked; one that was renamed is, under its new name.
  git diff -z --name-only --diff-filter=d "$INPUT_BASE...HEAD" -- "${globs[@]}" > "$listed" || exit 2
else
  git ls-files -z -- "${globs[@]}" > "$listed" || exit 2
fi
mapfile -d '' pages < "$listed"

code=0
if [ ${#pages[@]} -eq 0 ]; then
  echo "no page was touched"
  verdict=none
else
  evalharness check --json -- "${pages[@]}" > "$results"
  code=$?
  case $code in
    0) verdict=supported ;;
    1) verdict=flagged ;;
    3) verdict=unclear ;;
    *) verdict=could-not-run ;;
  esac
  if [ $code -le 3 ] && [ $code -ne 2 ]; then evalharness check -- "${pages[@]}"; fi  # for people
fi
{
  echo "verdict=$verdict"
  echo "results=$results"
} >> "$GITHUB_OUTPUT"
if [ $code -eq 3 ] && [ "${INPUT_UNCLEAR:-pass}" = pass ]; then exit 0; fi
exit $code
