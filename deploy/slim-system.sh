# Leave out of the base what a service has no use for.
set -eu

# Package managers, Perl, which they need, and what logs in, mounts and boots. What stays is listed in
# /var/lib/dpkg/status as before, so that scanners find it.
dpkg-query --show --showformat '${Package}\n' >/tmp/packages
grep -E '^(apt|libapt-.*|sqv|debconf|perl-base|python3.*-(venv|whl)|login.*|passwd|mount|util-linux|bsdutils|sysvinit-utils|init-system-helpers|dpkg)$' \
    /tmp/packages | xargs dpkg --purge --force-all >/dev/null 2>&1

# Python's installers, and what it is tested and documented with, in Debian's places and in python:*-slim's
for python in /usr/lib/python3* /usr/local/lib/python3*; do
    for part in ensurepip idlelib pydoc_data test tkinter turtledemo config-3* site-packages/pip*; do
        rm -rf "$python"/$part
    done
done
rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/include
# Charsets but Unicode's, documentation, caches, logs
rm -rf /usr/lib/*-linux-gnu*/gconv /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale
rm -rf /var/lib/apt /var/lib/dpkg/info /var/cache/* /var/log/* /tmp/*
# Nobody becomes anybody else
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
