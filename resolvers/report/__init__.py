"""The report on oneself (信用报告): signed, dated, marked for one reader, as JSON and on paper."""
