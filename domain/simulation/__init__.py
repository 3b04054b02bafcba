"""A campaign over virtual weeks, without a broker, a database or a mail server (docs/behaviour.md 9.5).

The decisions are those that the roles call: `domain.leads.decide` for every lead, `domain.dispatch.PoolPartition` for
every limit. What is made up stands in three small files: `gate` for the ledger and the mail server, `people` for those
who are written to, `world` for time. Nothing here reads a clock or rolls dice: the same seed gives the same run.
"""
