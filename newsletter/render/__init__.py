"""From a digest to a mail: templates, inlined CSS, text part, slots, MIME; pure."""
