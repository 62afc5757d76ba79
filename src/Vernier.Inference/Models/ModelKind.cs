namespace Vernier.Inference.Models;

/// <summary>What a model was opened from.</summary>
public enum ModelKind
{
    /// <summary>A Hugging Face folder: config.json and safetensors files.</summary>
    Folder,

    /// <summary>A GGUF file.</summary>
    Gguf,
}
