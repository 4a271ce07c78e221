import CFFI

/// Plain C functions of an existing library, called by symbol and signature.
package struct FunctionLibrary {}
