-- How large tables were each day, so that a page can say how they grow.
CREATE TABLE IF NOT EXISTS pilothouse.table_sizes (
    day DATE NOT NULL,
    name TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (name, day)
);
COMMENT ON TABLE pilothouse.table_sizes IS 'Bytes of each table with its indexes, once a day for a year.';
ALTER TABLE pilothouse.table_sizes ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.table_sizes;
CREATE POLICY admin ON pilothouse.table_sizes TO pilothouse_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.table_sizes TO pilothouse_admin;
