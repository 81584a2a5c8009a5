"""Stands in for torch where bittensor 6.9.4 only names it: classes to derive from and types in annotations."""
import sys
import types


class _Anything(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Thing


class _Thing(metaclass=_Anything):
    def __init__(self, *args, **kwargs):
        pass


class _Module:
    def __init__(self, *args, **kwargs):
        pass


def _submodule(name):
    module = types.ModuleType(name)
    module.__getattr__ = lambda attribute: _Thing
    sys.modules[name] = module
    return module


nn = _submodule("torch.nn")
nn.Module = _Module
nn.Parameter = type("Parameter", (_Thing,), {})
nn.functional = _submodule("torch.nn.functional")
Tensor = type("Tensor", (_Thing,), {})
FloatTensor = LongTensor = Tensor
float32 = "float32"
int64 = "int64"
__version__ = "0"


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Thing
