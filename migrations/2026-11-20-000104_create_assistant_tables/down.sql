-- The assistant's tables may have been here before the console was: they and their rows stay.
SELECT 1;
