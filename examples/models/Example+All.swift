extension Example {
  /// The models, in the order of the tables.
  package static let all = [
    decoderLayerExample, crossAttentionExample, t5EncoderExample, relativeKeysExample, sinkAttentionExample, offByOneExample,
    sigmoidAttentionExample, differentialAttentionExample, talkingHeadsExample, topKAttentionExample, blockChoiceExample,
    raggedVisionTransformerExample, swinBlockExample, triangleAttentionExample, perceiverExample, setTransformerExample,
    decisionTransformerExample, graphAttentionExample, mixtureOfExpertsExample, mamba2Example, elmanExample,
    gatedRecurrentUnitExample, longShortTermMemoryExample, gatedDeltaNetExample,
  ]
}
