"""What a server says of itself: its logs, the incidents in them, and counts of what was done."""
