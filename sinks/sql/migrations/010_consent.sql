-- How a suppression came (`page`, `one_click`, `command`, `import`, `api`; of the others their source id tells), the instant
-- that whoever brought it names for it, and who lifted it (`person`: by the page on which they had chosen; `operator`).
-- `suppressed_at` and `lifted_at` are read under the lock that the gate respects: what passed before them passed before
-- the commit, what passed after them after it.
alter table suppressions add column via text;
alter table suppressions add column since timestamptz;
alter table suppressions add column lifted_by text;
