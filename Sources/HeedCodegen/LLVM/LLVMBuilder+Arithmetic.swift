internal import CLLVM

/// A comparison; integers are signed, and any comparison with a NaN but `notEqual` is false.
package enum LLVMComparison {
  case equal, notEqual, less, lessEqual, greater, greaterEqual
}

/// Arithmetic on integers (wrapping, signed) and floating-point numbers (IEEE, never reassociated), or vectors of them.
extension LLVMBuilder {
  package func add(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildAdd, LLVMBuildFAdd) }
  package func subtract(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildSub, LLVMBuildFSub) }
  package func multiply(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildMul, LLVMBuildFMul) }
  /// The quotient; an integer one is rounded toward 0 and undefined for a zero divisor.
  package func divide(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildSDiv, LLVMBuildFDiv) }
  /// The quotient of unsigned integers; undefined for a zero divisor.
  package func divideUnsigned(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildUDiv, LLVMBuildUDiv) }
  /// The remainder, of the sign of `a`.
  package func remainder(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildSRem, LLVMBuildFRem) }
  package func and(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildAnd, LLVMBuildAnd) }
  package func or(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildOr, LLVMBuildOr) }
  package func exclusiveOr(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildXor, LLVMBuildXor) }
  package func shiftLeft(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildShl, LLVMBuildShl) }
  /// The shift that keeps the sign.
  package func shiftRight(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildAShr, LLVMBuildAShr) }
  package func shiftRightUnsigned(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { binary(a, b, LLVMBuildLShr, LLVMBuildLShr) }

  package func negate(_ a: LLVMValue) -> LLVMValue {
    LLVMValue(a.type.isFloat ? LLVMBuildFNeg(reference, a.reference, "") : LLVMBuildNeg(reference, a.reference, ""))
  }

  package func not(_ a: LLVMValue) -> LLVMValue { LLVMValue(LLVMBuildNot(reference, a.reference, "")) }

  package func compare(_ a: LLVMValue, _ comparison: LLVMComparison, _ b: LLVMValue) -> LLVMValue {
    if a.type.isFloat {
      let predicate: LLVMRealPredicate =
        switch comparison {
        case .equal: LLVMRealOEQ
        case .notEqual: LLVMRealUNE
        case .less: LLVMRealOLT
        case .lessEqual: LLVMRealOLE
        case .greater: LLVMRealOGT
        case .greaterEqual: LLVMRealOGE
        }
      return LLVMValue(LLVMBuildFCmp(reference, predicate, a.reference, b.reference, ""))
    }
    let predicate: LLVMIntPredicate =
      switch comparison {
      case .equal: LLVMIntEQ
      case .notEqual: LLVMIntNE
      case .less: LLVMIntSLT
      case .lessEqual: LLVMIntSLE
      case .greater: LLVMIntSGT
      case .greaterEqual: LLVMIntSGE
      }
    return LLVMValue(LLVMBuildICmp(reference, predicate, a.reference, b.reference, ""))
  }

  /// The comparison of unsigned integers.
  package func compareUnsigned(_ a: LLVMValue, _ comparison: LLVMComparison, _ b: LLVMValue) -> LLVMValue {
    let predicate: LLVMIntPredicate =
      switch comparison {
      case .equal: LLVMIntEQ
      case .notEqual: LLVMIntNE
      case .less: LLVMIntULT
      case .lessEqual: LLVMIntULE
      case .greater: LLVMIntUGT
      case .greaterEqual: LLVMIntUGE
      }
    return LLVMValue(LLVMBuildICmp(reference, predicate, a.reference, b.reference, ""))
  }

  /// Whether either float is a NaN.
  package func isUnordered(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue {
    LLVMValue(LLVMBuildFCmp(reference, LLVMRealUNO, a.reference, b.reference, ""))
  }

  // MARK: Conversions

  /// The low bits of an integer.
  package func truncate(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildTrunc) }
  package func extendSigned(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildSExt) }
  package func extendUnsigned(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildZExt) }
  package func floatExtend(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildFPExt) }
  /// The nearest float of a narrower type, ties to even.
  package func floatTruncate(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildFPTrunc) }
  package func signedToFloat(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildSIToFP) }
  package func unsignedToFloat(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildUIToFP) }
  /// The integer part; undefined where it does not fit.
  package func floatToSigned(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildFPToSI) }
  /// The integer part of a float that is at least 0; undefined where it does not fit.
  package func floatToUnsigned(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildFPToUI) }
  package func bitCast(_ a: LLVMValue, to type: LLVMType) -> LLVMValue { cast(a, type, LLVMBuildBitCast) }

  private typealias Binary = (LLVMBuilderRef?, LLVMValueRef?, LLVMValueRef?, UnsafePointer<CChar>?) -> LLVMValueRef?
  private typealias Cast = (LLVMBuilderRef?, LLVMValueRef?, LLVMTypeRef?, UnsafePointer<CChar>?) -> LLVMValueRef?

  private func binary(_ a: LLVMValue, _ b: LLVMValue, _ integer: Binary, _ float: Binary) -> LLVMValue {
    LLVMValue((a.type.isFloat ? float : integer)(reference, a.reference, b.reference, "")!)
  }

  private func cast(_ a: LLVMValue, _ type: LLVMType, _ build: Cast) -> LLVMValue {
    LLVMValue(build(reference, a.reference, type.reference, "")!)
  }
}

extension LLVMBuilder {
  /// The sum of two integers that is known not to leave the type.
  package func addNoWrap(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue {
    LLVMValue(LLVMBuildNSWAdd(reference, a.reference, b.reference, ""))
  }

  /// The product of two integers that is known not to leave the type.
  package func multiplyNoWrap(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue {
    if a.integerConstant == 1 { return b }
    if b.integerConstant == 1 { return a }
    return LLVMValue(LLVMBuildNSWMul(reference, a.reference, b.reference, ""))
  }
}
