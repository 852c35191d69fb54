"""Our markets' books as they were: at any sequence or time, change by change, order by order."""
