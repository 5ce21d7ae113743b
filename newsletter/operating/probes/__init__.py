"""What the checks ask of the network and of other programs: links, SpamAssassin, axe in a browser."""
