DELETE FROM turbobackend.action_references;
