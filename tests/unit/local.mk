# Unit tests: each links only the rooms it may know, so an upward call fails at link time.
UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
include $(srcdir)/tests/unit/base.mk
include $(srcdir)/tests/unit/stats.mk
include $(srcdir)/tests/unit/db.mk
include $(srcdir)/tests/unit/wave.mk
include $(srcdir)/tests/unit/http.mk
include $(srcdir)/tests/unit/api.mk
include $(srcdir)/tests/unit/handlers.mk
include $(srcdir)/tests/unit/proc.mk
include $(srcdir)/tests/unit/tool.mk
