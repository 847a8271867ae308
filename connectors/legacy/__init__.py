"""Legacy logins: finding the form, describing it by a recipe, making the value it wants, reading the answer."""
