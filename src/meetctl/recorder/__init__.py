"""Records a room without taking part in it: `meetctl record`."""
