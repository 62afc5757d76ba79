using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Inference.Gguf;

/// <summary>Gives the encoded bytes of one row of a tensor.</summary>
/// <param name="row">The row in the Hugging Face checkpoint.</param>
/// <param name="bytes">Receives the whole row.</param>
public delegate void GgufRowBytes(long row, Span<byte> bytes);

/// <summary>How a tensor is written.</summary>
/// <param name="Type">The type.</param>
/// <param name="Rows">The bytes of its rows; null to convert the numbers of the checkpoint, in blocks as ggml encodes them without data.</param>
public sealed record GgufTensorChoice(GgufTensorType Type, GgufRowBytes? Rows = null);

/// <summary>Writes models as GGUF files.</summary>
public static class GgufExport
{
    /// <summary>The version of the block formats.</summary>
    private const uint QuantizationVersion = 2;

    private const int PieceNumbers = 1 << 20;

    /// <summary>Writes a model with types chosen by a mix.</summary>
    /// <param name="model">A Hugging Face folder or a GGUF file.</param>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces; no file is left.</param>
    /// <returns>The bytes of the file.</returns>
    /// <exception cref="InvalidFileException">The model is invalid, of a family or with a tokenizer that llama.cpp lacks, or packed already.</exception>
    public static long Write(string model, string path, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(mix);
        using Checkpoint checkpoint = ModelSource.OpenCheckpoint(model);
        IReadOnlyDictionary<string, GgufTensorType> types = TypesOf(checkpoint, mix, overrides);
        return Write(checkpoint, path, mix.FileType, tensor => new GgufTensorChoice(types[tensor.Name]), progress, cancellation);
    }

    /// <summary>The type that a mix gives each tensor of a checkpoint, by its Hugging Face name.</summary>
    /// <param name="checkpoint">The model's checkpoint, from <see cref="ModelSource.OpenCheckpoint"/>.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern, which are looked for in names as the GGUF file has them.</param>
    /// <param name="importance">Whether an importance matrix is used.</param>
    public static IReadOnlyDictionary<string, GgufTensorType> TypesOf(Checkpoint checkpoint, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(mix);
        ModelConfig config = ConfigOf(checkpoint);
        (TensorInfo Tensor, string Name)[] tensors = [.. Tensors(checkpoint, config)];
        IReadOnlyDictionary<string, GgufTensorType> types = mix.Types(tensors.Select(tensor => new GgufMixTensor(tensor.Name, tensor.Tensor.Shape)), config, overrides, importance);
        return tensors.ToDictionary(tensor => tensor.Tensor.Name, tensor => types[tensor.Name], StringComparer.Ordinal);
    }

    /// <summary>Writes a model with a choice for each tensor.</summary>
    /// <param name="checkpoint">The model's checkpoint, from <see cref="ModelSource.OpenCheckpoint"/>.</param>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="fileType">The number for <c>general.file_type</c>; see <see cref="GgufMix.FileType"/>.</param>
    /// <param name="choose">How a tensor, by its Hugging Face name, is written. Tensors that are no matrices, and norms, are F32 in any case, as llama.cpp needs them.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces; no file is left.</param>
    /// <returns>The bytes of the file.</returns>
    /// <exception cref="InvalidFileException">The model is invalid, of a family or with a tokenizer that llama.cpp lacks, or packed already.</exception>
    public static long Write(Checkpoint checkpoint, string path, int fileType, Func<TensorInfo, GgufTensorChoice> choose, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        File file = FileOf(checkpoint, fileType, choose);
        using var writer = new GgufWriter(path, file.Metadata, file.Tensors);
        foreach ((string name, float[] factors) in file.Rope)
            writer.Write(name, System.Runtime.InteropServices.MemoryMarshal.AsBytes(factors.AsSpan()));
        long all = file.Items.Sum(item => item.Source.Count), done = 0;
        foreach (Item item in file.Items)
        {
            WriteTensor(checkpoint, writer, item, part => progress?.Report((done + part) / (double)all), cancellation);
            done += item.Source.Count;
        }
        writer.Complete();
        return writer.Size;
    }

    /// <summary>The exact bytes of a file, before anything is written.</summary>
    /// <inheritdoc cref="Write(Checkpoint, string, int, Func{TensorInfo, GgufTensorChoice}, IProgress{double}, CancellationToken)"/>
    public static long SizeOf(Checkpoint checkpoint, int fileType, Func<TensorInfo, GgufTensorChoice> choose)
    {
        File file = FileOf(checkpoint, fileType, choose);
        return GgufWriter.SizeOf(file.Metadata, file.Tensors);
    }

    private static File FileOf(Checkpoint checkpoint, int fileType, Func<TensorInfo, GgufTensorChoice> choose)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(choose);
        string model = checkpoint.Folder;
        ModelConfig config = ConfigOf(checkpoint);
        ModelTexts texts = ModelSource.ReadTexts(model);
        Item[] items = [.. Tensors(checkpoint, config).Select(tensor => ItemOf(checkpoint, config, tensor.Tensor, tensor.Name, choose))];
        Dictionary<string, ElementType> widened = items.Where(item => item.Info.Type == GgufTensorType.F32 && item.Source.Type is ElementType.BF16 or ElementType.F16 && !GgufMix.MayConvert(new GgufMixTensor(item.Info.Name, item.Info.Shape)))
            .ToDictionary(item => item.Source.Name, item => item.Source.Type, StringComparer.Ordinal);
        OrderedDictionary<string, GgufValue> metadata = GgufModel.ToMetadata(texts, config, Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model))), widened);
        metadata["general.file_type"] = GgufValue.Of((uint)fileType);
        metadata["general.quantization_version"] = GgufValue.Of(QuantizationVersion);
        return new File(metadata, [.. GgufConfig.RopeTensors(config)], items);
    }

    /// <summary>Writes a GGUF file as a Hugging Face folder: blocks become single precision, everything else stays as it is.</summary>
    /// <param name="model">The GGUF file.</param>
    /// <param name="folder">The folder, which must exist.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces; no checkpoint is left.</param>
    /// <exception cref="InvalidFileException">The file is invalid, or holds a model or a tokenizer that can't be represented.</exception>
    public static void WriteFolder(string model, string folder, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ModelTexts texts = ModelSource.ReadTexts(model);
        using Checkpoint checkpoint = ModelSource.OpenCheckpoint(model);
        TensorInfo[] tensors = [.. checkpoint.Tensors];
        using (var writer = new CheckpointWriter(folder, tensors, metadata: new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" }))
        {
            var buffer = new byte[PieceNumbers];
            long all = tensors.Sum(tensor => tensor.Bytes), done = 0;
            foreach (TensorInfo tensor in tensors)
            {
                for (long position = 0; position < tensor.Bytes; position += buffer.Length)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Bytes - position));
                    checkpoint.ReadOnce(tensor, position, piece);
                    writer.Write(tensor.Name, piece);
                    progress?.Report((done += piece.Length) / (double)all);
                }
            }
            writer.Complete();
        }
        System.IO.File.WriteAllBytes(Path.Combine(folder, "config.json"), ModelSource.Serialize(texts.Config));
        System.IO.File.WriteAllBytes(Path.Combine(folder, "tokenizer.json"), ModelSource.Serialize(texts.Tokenizer));
        System.IO.File.WriteAllBytes(Path.Combine(folder, "tokenizer_config.json"), ModelSource.Serialize(texts.Settings));
        if (texts.ChatTemplate is not null)
            System.IO.File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), texts.ChatTemplate);
    }

    private static ModelConfig ConfigOf(Checkpoint checkpoint)
    {
        ModelConfig config = ModelConfig.Load(checkpoint.Folder);
        return config.Quantization is null ? config
            : throw new InvalidFileException(config.Path, GgufModelRules.TensorType, "the model is quantized already, in a format of its own", "Give the original model");
    }

    /// <summary>The tensors of a model with their names in a GGUF file; a head that is the embedding is left out.</summary>
    private static IEnumerable<(TensorInfo Tensor, string Name)> Tensors(Checkpoint checkpoint, ModelConfig config)
    {
        foreach (TensorInfo tensor in checkpoint.Tensors)
        {
            if (tensor.Name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || config.TiedEmbeddings && tensor.Name == "lm_head.weight")
                continue;
            yield return (tensor, GgufNames.ToGguf(tensor.Name)
                ?? throw new InvalidFileException(checkpoint.FileOf(tensor), GgufModelRules.TensorName, "a GGUF file has no place for it", "Give a model of one of the families llama, mistral, qwen2, qwen3 and phi3", tensor.Name));
        }
    }

    private static Item ItemOf(Checkpoint checkpoint, ModelConfig config, TensorInfo tensor, string name, Func<TensorInfo, GgufTensorChoice> choose)
    {
        if (!tensor.Type.IsFloat() || tensor.Shape.Count is < 1 or > GgufFile.MaxRank || tensor.Count == 0)
            throw new InvalidFileException(checkpoint.FileOf(tensor), GgufModelRules.TensorType, $"{tensor.Type} [{string.Join(", ", tensor.Shape)}] can't be part of a GGUF file", "Convert the checkpoint to F32, F16 or BF16", tensor.Name);
        bool plain = !GgufMix.MayConvert(new GgufMixTensor(name, tensor.Shape));
        GgufTensorChoice choice = plain ? new GgufTensorChoice(GgufTensorType.F32) : choose(tensor);
        int heads = GgufNames.HeadsOf(tensor.Name, config);
        if (heads > 0 && tensor.Shape[0] != (long)heads * config.HeadSize)
            throw new InvalidFileException(checkpoint.FileOf(tensor), GgufModelRules.TensorShape, $"its shape is [{string.Join(", ", tensor.Shape)}], and {heads} heads of {config.HeadSize} need {heads * config.HeadSize} rows", "Check that config.json belongs to these weights", tensor.Name);
        return new Item(tensor, new GgufTensor(name, choice.Type, tensor.Shape), choice.Rows, heads > 0 ? config.HeadSize : 0);
    }

    private static void WriteTensor(Checkpoint checkpoint, GgufWriter writer, Item item, Action<long> report, CancellationToken cancellation)
    {
        GgufTensorType type = item.Info.Type;
        // A vector of a projection is a column: its numbers go with the rows.
        int columns = checked((int)(item.Info.Shape.Count == 1 ? 1 : item.Info.Columns)), together = Math.Max(1, PieceNumbers / columns);
        long rows = item.Source.Count / columns, rowBytes = item.Info.Bytes / rows;
        bool copied = item.Rows is null && type.Element == item.Source.Type;
        var numbers = item.Rows is null && !copied ? new float[Math.Min(rows, together) * columns] : [];
        var bytes = new byte[Math.Min(rows, together) * rowBytes];
        for (long first = 0; first < rows; first += together)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = (int)Math.Min(together, rows - first);
            for (int row = 0; row < count; row++)
            {
                long source = item.HeadSize == 0 ? first + row : RotaryRows.InHf(first + row, item.HeadSize);
                Span<byte> target = bytes.AsSpan((int)(row * rowBytes), (int)rowBytes);
                if (item.Rows is not null)
                    item.Rows(source, target);
                else if (item.HeadSize == 0 && row > 0)
                    break;
                else if (copied)
                    checkpoint.ReadOnce(item.Source, source * rowBytes, item.HeadSize == 0 ? bytes.AsSpan(0, (int)(count * rowBytes)) : target);
                else
                    checkpoint.Read(item.Source, source * columns, item.HeadSize == 0 ? numbers.AsSpan(0, count * columns) : numbers.AsSpan(row * columns, columns));
            }
            Span<byte> whole = bytes.AsSpan(0, (int)(count * rowBytes));
            if (item.Rows is null && !copied)
                Convert(numbers.AsSpan(0, count * columns), columns, type, whole);
            writer.Write(item.Info.Name, whole);
            report((first + count) * columns);
        }
    }

    private static void Convert(ReadOnlySpan<float> numbers, int columns, GgufTensorType type, Span<byte> bytes)
    {
        if (type.Format is BlockFormat format)
            format.EncodeRows(numbers, columns, [], bytes);
        else
            FloatBytes.Write(numbers, type.Element!.Value, bytes);
    }

    /// <summary>All of a file but the numbers of its tensors.</summary>
    private sealed record File(OrderedDictionary<string, GgufValue> Metadata, (string Name, float[] Factors)[] Rope, Item[] Items)
    {
        public IReadOnlyList<GgufTensor> Tensors => [.. Rope.Select(tensor => new GgufTensor(tensor.Name, GgufTensorType.F32, [tensor.Factors.Length])), .. Items.Select(item => item.Info)];
    }

    private sealed record Item(TensorInfo Source, GgufTensor Info, GgufRowBytes? Rows, int HeadSize);
}
