"""What is asked of the predictions, a page or a bin at a time, and the files made of them."""
