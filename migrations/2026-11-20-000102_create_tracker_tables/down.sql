-- The tracker's tables may have been here before the console was: they and their rows stay.
DROP TABLE IF EXISTS turbobackend.action_references;
