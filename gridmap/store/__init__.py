"""PostGIS: the cluster, migrations and every query."""
