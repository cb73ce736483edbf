#!/usr/bin/env bash
# Collect the texts of templates and modules into locale/*/LC_MESSAGES/django.po, compile the catalogues, and
# list what has no translation yet. Needs the gettext tools (Debian: apt-get install gettext).
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python manage.py makemessages --all --extension html,py --no-location --no-obsolete --no-wrap \
  --ignore 'tests/*' --ignore 'tools/*' --ignore 'var/*' --ignore '.venv/*' --ignore 'deploy/*'
for catalogue in locale/*/LC_MESSAGES/django.po; do
  # A guess from a similar text is no translation.
  msgattrib --clear-fuzzy --empty --no-wrap --sort-output --output-file "$catalogue" "$catalogue"
  sed -i '/^"POT-Creation-Date:/d; /^"Report-Msgid-Bugs-To:/d' "$catalogue"
  msgfmt --check-format --output-file "${catalogue%.po}.mo" "$catalogue"
  msgattrib --untranslated --no-wrap "$catalogue"
done
