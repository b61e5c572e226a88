// What `import Heed` brings: graphs and arrays, the language to write graphs in, passes, models, data for
// training, and what runs compiled programs.
@_exported public import HeedArrays
@_exported public import HeedDSL
@_exported public import HeedData
@_exported public import HeedIR
@_exported public import HeedModels
@_exported public import HeedPasses
@_exported public import HeedRuntime
@_exported public import HeedSchedule
@_exported public import HeedSystem
