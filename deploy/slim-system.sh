# Leave out of the base what a service has no use for.
set -eu
lib=$(echo /usr/lib/*-linux-gnu*)

# Python's installers and its own tests and documentation, in the places of Debian and of python:*-slim
for python in /usr/lib/python3* /usr/local/lib/python3*; do
    for part in ensurepip idlelib lib2to3 pydoc_data test tkinter turtledemo config-3* site-packages/pip*; do
        rm -rf "$python"/$part
    done
done
rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/include /usr/share/python-wheels
# Package managers, and Perl, which they are written in
rm -rf /usr/bin/apt* /usr/lib/apt "$lib"/libapt-* /etc/apt /var/lib/apt /var/cache/* /usr/bin/sqv
rm -rf /usr/bin/dpkg* /var/lib/dpkg/info /usr/sbin/debconf* /usr/share/debconf
rm -rf /usr/bin/perl* "$lib"/perl-base /usr/share/perl5
# Other charsets than Unicode's; documentation
rm -rf "$lib"/gconv /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian
rm -rf /usr/share/bash-completion /var/log/* /tmp/*
# Nobody becomes anybody else
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
