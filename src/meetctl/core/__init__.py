"""What every process of meetctl needs: its settings, and where things are kept."""
