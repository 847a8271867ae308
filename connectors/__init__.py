"""Floor 3: how one identity reaches a system.

Enters: a person who is signed in, and the system they want. Leaves: an address to go to, or the system's own pages with
the person signed in there. `systems` is the inventory, `launch` decides, `legacy` reads login pages and answers,
`gateway` stands between browser and legacy server, `apply` takes the county's file.
"""
