"""What a server does with runs and models while it lives: taken in, started, resumed, tried, deleted."""
