using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Architectures.Bamba;
using Vernier.Inference.Architectures.BitNet;
using Vernier.Inference.Architectures.Bloom;
using Vernier.Inference.Architectures.Cohere;
using Vernier.Inference.Architectures.DeepSeek;
using Vernier.Inference.Architectures.Falcon;
using Vernier.Inference.Architectures.FalconH1;
using Vernier.Inference.Architectures.Gemma;
using Vernier.Inference.Architectures.Glm;
using Vernier.Inference.Architectures.Gpt2;
using Vernier.Inference.Architectures.GptNeoX;
using Vernier.Inference.Architectures.GptOss;
using Vernier.Inference.Architectures.Granite;
using Vernier.Inference.Architectures.Jamba;
using Vernier.Inference.Architectures.Lfm2;
using Vernier.Inference.Architectures.Llama;
using Vernier.Inference.Architectures.Llama4;
using Vernier.Inference.Architectures.Mamba;
using Vernier.Inference.Architectures.Mistral;
using Vernier.Inference.Architectures.Mixtral;
using Vernier.Inference.Architectures.Mpt;
using Vernier.Inference.Architectures.Nemotron;
using Vernier.Inference.Architectures.NemotronH;
using Vernier.Inference.Architectures.Olmo;
using Vernier.Inference.Architectures.Opt;
using Vernier.Inference.Architectures.Phi;
using Vernier.Inference.Architectures.Phi3;
using Vernier.Inference.Architectures.PhiMoe;
using Vernier.Inference.Architectures.Qwen2;
using Vernier.Inference.Architectures.Qwen2Moe;
using Vernier.Inference.Architectures.Qwen3;
using Vernier.Inference.Architectures.Qwen3Moe;
using Vernier.Inference.Architectures.Qwen3Next;
using Vernier.Inference.Architectures.RecurrentGemma;
using Vernier.Inference.Architectures.SmolLm3;
using Vernier.Inference.Architectures.StableLm;
using Vernier.Inference.Architectures.StarCoder2;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures;

/// <summary>The architectures that run here. Another assembly can add its own.</summary>
public static class ArchitectureCatalogue
{
    private static readonly Lock s_gate = new();

    // Replaced as a whole, so that readers need no lock.
    private static IArchitecture[] s_all = [new LlamaArchitecture(), new MistralArchitecture(), new Qwen2Architecture(),
        new Qwen3Architecture(), new Phi3Architecture(), new BloomArchitecture(), new CohereArchitecture(), new Cohere2Architecture(),
            new FalconArchitecture(), new GemmaArchitecture(), new Gemma2Architecture(), new Gemma3Architecture(), new GlmArchitecture(),
            new Glm4Architecture(), new Glm4MoeArchitecture(), new Gpt2Architecture(), new GptNeoXArchitecture(), new GptOssArchitecture(),
            new GraniteArchitecture(), new GraniteMoeArchitecture(), new Llama4Architecture(), new MixtralArchitecture(),
            new MptArchitecture(), new NemotronArchitecture(), new OlmoArchitecture(), new Olmo2Architecture(), new OlmoeArchitecture(),
            new OptArchitecture(), new PhiArchitecture(), new PhiMoeArchitecture(), new Qwen2MoeArchitecture(), new Qwen3MoeArchitecture(),
            new SmolLm3Architecture(), new StableLmArchitecture(), new StarCoder2Architecture(), new BitNetArchitecture(),
                new MambaArchitecture(), new FalconMambaArchitecture(), new Mamba2Architecture(), new BambaArchitecture(),
                new GraniteHybridArchitecture(), new FalconH1Architecture(), new NemotronHArchitecture(), new JambaArchitecture(),
                new Qwen3NextArchitecture(), new Qwen35Architecture(), new Lfm2Architecture(), new RecurrentGemmaArchitecture(),
                    new DeepSeekV2Architecture(), new DeepSeekV3Architecture()];

    /// <summary>All architectures, in the order in which they were registered.</summary>
    public static IReadOnlyList<IArchitecture> All => Volatile.Read(ref s_all);

    /// <summary>Adds an architecture.</summary>
    /// <param name="architecture">The architecture, with a model type of its own.</param>
    /// <exception cref="ArgumentException">There is one of that model type.</exception>
    public static void Register(IArchitecture architecture)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        lock (s_gate)
        {
            if (TryGet(architecture.ModelType, out _))
                throw new ArgumentException($"there is an architecture of the model type '{architecture.ModelType}'", nameof(architecture));
            Volatile.Write(ref s_all, [.. s_all, architecture]);
        }
    }

    /// <summary>Finds an architecture by its model type.</summary>
    public static bool TryGet(string modelType, [NotNullWhen(true)] out IArchitecture? architecture) =>
        (architecture = Array.Find(Volatile.Read(ref s_all), known => known.ModelType == modelType)) is not null;

    /// <summary>The architecture of a configuration.</summary>
    /// <exception cref="ArgumentException">It is not registered.</exception>
    public static IArchitecture Of(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return TryGet(config.ModelType, out IArchitecture? architecture) ? architecture
            : throw new ArgumentException($"there is no architecture of the model type '{config.ModelType}'", nameof(config));
    }

    /// <summary>
    /// Finds the architecture of a config.json: known by its <c>model_type</c>; the head must be that of a causal language model.
    /// </summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="architecture">The architecture, if it runs here.</param>
    /// <param name="name">Its name as the file has it, for messages.</param>
    public static bool TryFind(ConfigObject root, [NotNullWhen(true)] out IArchitecture? architecture, out string name)
    {
        name = root.ModelType;
        bool causal = true;
        if (root.Element.TryGetProperty("architectures", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            && list.GetArrayLength() > 0)
        {
            name = list[0].ValueKind == JsonValueKind.String ? list[0].GetString()! : name;
            causal = name.EndsWith("ForCausalLM", StringComparison.Ordinal) || name == "GPT2LMHeadModel";
        }
        return TryGet(root.ModelType, out architecture) && causal;
    }

    /// <summary>Reads a config.json.</summary>
    /// <param name="root">Its object.</param>
    /// <exception cref="UnsupportedModelException">The architecture, or something that the model uses, does not run here.</exception>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range: the rules of
    /// <see cref="ModelRules"/>.</exception>
    public static ModelConfig Read(ConfigObject root) =>
        TryFind(root, out IArchitecture? architecture, out string name) ? Read(architecture, root)
        : throw root.Unsupported(ModelRules.UnknownArchitecture, $"the architecture {ConfigObject.Quote(name)} can't be run",
            $"Give a causal language model of one of the {All.Count} families that docs/architectures.md lists");

    /// <summary>Reads a config.json that is in memory.</summary>
    /// <param name="utf8">Its text.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <inheritdoc cref="Read(ConfigObject)"/>
    public static ModelConfig Read(ReadOnlyMemory<byte> utf8, string path)
    {
        using JsonDocument document = StrictJson.ParseSettings(utf8, path);
        return Read(ConfigObject.Of(document.RootElement, path));
    }

    /// <summary>Reads a config.json of a known architecture, and holds what that did not read against
    /// <see cref="ConfigMembers"/>.</summary>
    internal static ModelConfig Read(IArchitecture architecture, ConfigObject root)
    {
        var read = new HashSet<string>(StringComparer.Ordinal) { "model_type", "architectures", "quantization_config" };
        ModelConfig config = architecture.ReadConfiguration(root.Noting(read));
        config.NotUnderstood = ConfigMembers.Check(root, read);
        return config;
    }

    /// <summary>How a model of a configuration is put together.</summary>
    /// <exception cref="ArgumentException">Its architecture is not registered.</exception>
    public static DecoderAssembly Assemble(ModelConfig config) => Of(config).Assemble(config);
}
