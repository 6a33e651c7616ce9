"""What is asked beside the pages: files in and out, health, figures and the trail."""
