"""Review of use (查询使用登记和审查): quotas, lock-outs, alarms, the monthly sample and its results."""
