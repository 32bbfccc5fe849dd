-- The tables may have been here before the console was: they and their rows stay.
DROP SCHEMA IF EXISTS pilothouse CASCADE;
