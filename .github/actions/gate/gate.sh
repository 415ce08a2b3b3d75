#!/usr/bin/env bash
# Runs the gate with the action's inputs (INPUT_…), tells GitHub the outputs, and ends as it did.
set -uo pipefail
junit="$RUNNER_TEMP/evalharness-gate.xml"
comment="$RUNNER_TEMP/evalharness-gate.md"
arguments=(--junit "$junit" --markdown "$comment")
if [ -n "${INPUT_RULES:-}" ]; then arguments+=(--rules "$INPUT_RULES"); fi

evalharness gate "${arguments[@]}" -- "$INPUT_BASELINE" "$INPUT_CANDIDATE"
code=$?

case $code in
  0) verdict=pass ;;
  1) verdict=regression ;;
  3) verdict=inconclusive ;;
  *) verdict=could-not-run ;;
esac
{
  echo "verdict=$verdict"
  echo "junit=$junit"
  echo "comment=$comment"
} >> "$GITHUB_OUTPUT"
if [ $code -eq 3 ] && [ "${INPUT_INCONCLUSIVE:-fail}" = pass ]; then exit 0; fi
exit $code
