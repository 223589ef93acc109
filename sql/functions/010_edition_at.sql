-- The edition in force at a time: the last one whose effective_from has come.
CREATE OR REPLACE FUNCTION gridmap.edition_at(at timestamptz DEFAULT now())
RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT e.id FROM gridmap.edition e WHERE e.effective_from <= at ORDER BY e.effective_from DESC LIMIT 1
$$;
COMMENT ON FUNCTION gridmap.edition_at(timestamptz) IS 'Edition in force at a time; null before the first';
