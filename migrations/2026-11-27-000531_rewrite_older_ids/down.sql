-- Nothing: an id means the same in either form.
SELECT 1;
