"""What a model takes and what is wrong with a file: the card, its versions, and the check of columns and cells."""
