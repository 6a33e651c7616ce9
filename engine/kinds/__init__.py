"""What kinds of predictions there are: classes, label sets, numbers, boxes, masks."""
