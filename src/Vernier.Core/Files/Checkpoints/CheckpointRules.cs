using Vernier.Errors;

namespace Vernier.Files.Checkpoints;

/// <summary>The rules of a folder with a checkpoint, by their stable names. docs/formats/safetensors.md explains them.</summary>
/// <seealso cref="VernierException.Rule"/>
public static class CheckpointRules
{
    /// <summary>The folder holds <c>model.safetensors</c> or <c>model.safetensors.index.json</c>.</summary>
    public const string NoCheckpoint = "no-checkpoint";

    /// <summary>The index is an object with a member <c>weight_map</c>, an object with at least one member.</summary>
    public const string IndexNoWeightMap = "index-no-weight-map";

    /// <summary>The index names the file of each tensor by a string.</summary>
    public const string IndexEntryNotString = "index-entry-not-string";

    /// <summary>A file named by the index is a plain name that ends in <c>.safetensors</c>, with no folder part.</summary>
    public const string IndexFileName = "index-file-name";

    /// <summary>Every file named by the index exists.</summary>
    public const string IndexFileMissing = "index-file-missing";

    /// <summary>Every tensor of the index is in the file that the index names for it.</summary>
    public const string IndexTensorMissing = "index-tensor-missing";

    /// <summary>No tensor is in two files.</summary>
    public const string TensorInTwoFiles = "tensor-in-two-files";

    /// <summary>The scales of a matrix in 8 bits are finite numbers, one for the whole, for each row or for each block.</summary>
    public const string Scales = "scales";

    /// <summary>A tensor that parts of another are shown as lies within that, and no other tensor has its name.</summary>
    public const string TensorView = "tensor-view";

    /// <summary>A folder that a checkpoint is written to holds no checkpoint of the other kind, single or sharded.</summary>
    public const string OtherCheckpoint = "other-checkpoint";
}
