"""The interactive prompt, as the reference implementation's users know it.

`results` are the values that are shown, `memory` evaluates s-ops and selectors on examples, `display` prints,
`lines` turns typed lines and files into statements. `spec.repl` puts them together.
"""
