"""
Stands in for torch where bittensor 6.9.4 has it: names to derive from and to annotate with, and tensors that are
numpy's arrays, which is enough for its metagraph and for setting weights.
"""
import sys
import types

import numpy


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


class _Parameter:
    def __new__(cls, data=None, requires_grad=False):
        return numpy.array([]) if data is None else data


def _submodule(name):
    module = types.ModuleType(name)
    module.__getattr__ = lambda attribute: _Thing
    sys.modules[name] = module
    return module


nn = _submodule("torch.nn")
nn.Module = _Module
nn.Parameter = _Parameter
nn.functional = _submodule("torch.nn.functional")
Tensor = FloatTensor = LongTensor = numpy.ndarray
float32 = numpy.float32
int64 = numpy.int64
bool = numpy.bool_
__version__ = "0"


def tensor(data, dtype=None):
    return numpy.array(data, dtype=dtype)


def zeros(shape, dtype=numpy.float32):
    return numpy.zeros(shape, dtype=dtype)


def stack(arrays):
    return numpy.stack(arrays)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Thing
