# Leave out of installed packages what a service never opens: slim-packages.sh SITE-PACKAGES
set -eu
cd "$1"

# A second copy of the runtime, for programs in C; Python's has all of it in its own module. 35 MB
rm -f onnxruntime/capi/libonnxruntime.so.*
# What makes and changes models. 4 MB
rm -rf onnxruntime/transformers onnxruntime/quantization onnxruntime/tools
# Compilers for extensions, and what packages are tested and developed with. 16 MB
rm -rf numpy/f2py numpy/distutils
find . -type d -name tests -prune -exec rm -r {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete
# Debugging symbols. Not in *.libs, which were changed after they were linked: that breaks them. 17 MB
find . -path '*.libs' -prune -o -type f -name '*.so' -exec strip --strip-unneeded {} +
