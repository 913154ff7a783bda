# catalog: the lists that stand once, data only; every room may include them.
EXTRA_DIST += src/catalog/alerts.def \
	src/catalog/calls.def \
	src/catalog/conf.def \
	src/catalog/gateway.def \
	src/catalog/indicators.def \
	src/catalog/labels.def \
	src/catalog/metrics.def \
	src/catalog/problems.def \
	src/catalog/refusals.def \
	src/catalog/routes.def \
	src/catalog/series.def \
	src/catalog/sqlstates.def
