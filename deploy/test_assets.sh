#!/usr/bin/env bash
# What the browser tests need beside Chromium: axe-core, into the project's cache.
set -euo pipefail
cd "$(dirname "$0")/.."

version=4.14.1
package=.cache/npm/node_modules/axe-core/package.json
if grep -qs "\"version\": \"$version\"" "$package"; then
  exit 0
fi
mkdir -p .cache/npm
npm install --silent --no-save --no-audit --no-fund --prefix .cache/npm "axe-core@$version"
