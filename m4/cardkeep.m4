dnl Compiler flags that are taken only where compiler and linker know them, and the check that
dnl the libfcgi at hand still has the members that src/http/fcgi.c relies on.

AC_DEFUN([CK_FLAGS_INIT], [CK_CFLAGS="-std=gnu11 -pthread"
CK_LDFLAGS="-pthread"])

dnl CK_TRY_CFLAG(FLAG): append FLAG to CK_CFLAGS when the compiler takes it without a murmur.
AC_DEFUN([CK_TRY_CFLAG], [
	ck_save_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror [$1]"
	AC_MSG_CHECKING([whether $CC takes $1])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes]); CK_CFLAGS="$CK_CFLAGS $1"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$ck_save_CFLAGS
])

AC_DEFUN([CK_TRY_LDFLAG], [
	ck_save_LDFLAGS=$LDFLAGS
	LDFLAGS="$LDFLAGS [$1]"
	AC_MSG_CHECKING([whether the linker takes $1])
	AC_LINK_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes]); CK_LDFLAGS="$CK_LDFLAGS $1"],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$ck_save_LDFLAGS
])

dnl CK_WARN(FLAGS), CK_HARD(FLAGS): several flags, each tried alone.
AC_DEFUN([CK_WARN], [m4_foreach_w([ck_flag], [$1], [CK_TRY_CFLAG(ck_flag)])])
AC_DEFUN([CK_HARD], [m4_foreach_w([ck_flag], [$1], [CK_TRY_CFLAG(ck_flag)])])

AC_DEFUN([CK_SANITIZE], [
	CK_CFLAGS="$CK_CFLAGS -fsanitize=$1 -fno-omit-frame-pointer -fno-sanitize-recover=all -g -O1"
	CK_LDFLAGS="$CK_LDFLAGS -fsanitize=$1"
])

AC_DEFUN([CK_HARDENING], [
	CK_HARD([-fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE])
	CK_HARD([-ftrivial-auto-var-init=zero])
	CK_CFLAGS="$CK_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
	CK_TRY_LDFLAG([-pie])
	CK_TRY_LDFLAG([-Wl,-z,relro,-z,now])
	CK_TRY_LDFLAG([-Wl,-z,noexecstack])
])

dnl The gateway hands libfcgi a connection that it accepted itself, through two members of
dnl FCGX_Request that the header calls private (see src/http/fcgi.c for why).
AC_DEFUN([CK_CHECK_FCGI], [
	AC_CHECK_HEADER([fcgiapp.h], [], [AC_MSG_ERROR([fcgiapp.h is missing (Debian: libfcgi-dev)])])
	AC_CHECK_LIB([fcgi], [FCGX_Accept_r], [FCGI_LIBS=-lfcgi],
		[AC_MSG_ERROR([libfcgi is missing (Debian: libfcgi-dev)])])
	AC_CHECK_MEMBERS([FCGX_Request.ipcFd, FCGX_Request.keepConnection, FCGX_Request.detached],
		[], [AC_MSG_ERROR([this libfcgi lacks FCGX_Request.ipcFd, .keepConnection or .detached])],
		[[#include <fcgiapp.h>]])
	AC_SUBST([FCGI_LIBS])
])
